"""The embedded local cloud: AWS for laptops and tests, in one process on loopback.

``LocalCloud`` (:mod:`serinus.local_cloud.server`) starts and stops it, :mod:`serinus.local_cloud.deploy` puts the
synthesised templates on it, and :mod:`serinus.local_cloud.mends` makes ministack behave as AWS does where canaries
depend on it.
"""
