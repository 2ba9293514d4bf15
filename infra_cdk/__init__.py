"""The AWS resources of Serinus, as a CDK app."""
