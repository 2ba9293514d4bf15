"""MLflow's scoring protocol, so that whoever calls an MLflow or SageMaker model changes one address."""
