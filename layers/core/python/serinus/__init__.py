"""Serverless MLOps on AWS: take a trained model to production and keep it healthy there."""
