# SPDX-License-Identifier: MIT
"""What every stand-in for AWS has in common: an address, a key, an environment, boto3 clients."""

REGION = "eu-west-1"


class AwsPeer:
    """`port` is known once it runs; the key may be changed by then."""

    access_key = "AKIDFAKE000000000001"
    secret_key = "fakesecret/for+tests/of+hashtagd/only000"
    region = REGION
    port = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def environment(self, **more):
        """What a program needs to find this peer and nothing else of AWS."""
        return {"AWS_ENDPOINT_URL": self.url, "AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region,
                "AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key,
                "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null",
                "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", **more}

    def client(self, service, retries=False, **more):
        """A boto3 client; without retries unless asked for."""
        import boto3
        import botocore.config
        config = botocore.config.Config(
            retries={"mode": "standard", "total_max_attempts": 10 if retries else 1},
            s3={"addressing_style": "path"}, connect_timeout=5, read_timeout=20)
        options = {"aws_access_key_id": self.access_key, "aws_secret_access_key": self.secret_key, **more}
        return boto3.client(service, endpoint_url=self.url, region_name=self.region, config=config, **options)
