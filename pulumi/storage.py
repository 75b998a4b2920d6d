"""Two private buckets: the pictures that prove, and the models that Triton reads."""

from pathlib import Path

import pulumi_aws as aws
from naming import Component, Names
from policies import document

import pulumi

CHECKOUT = Path(__file__).resolve().parent.parent
MODEL_REPOSITORY = CHECKOUT / "model_repository"
MODELS_PREFIX = "model_repository"
CLIP = CHECKOUT / "local" / "clip" / "pedestrians.mp4"
CLIP_KEY = "camera/clip.mp4"
EVIDENCE_PREFIX = "evidence"
# `framerail ledger --publish` writes there; contracts/names.py says under which key.
LEDGER_PREFIX = "ledger"


class Storage(Component):
    """`evidence` takes the pictures and the ledger's verdict.

    `models` holds the model repository, and the camera's clip.
    """

    def __init__(
        self, names: Names, kept_days: int, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("Storage", opts)
        self._names = names
        self.evidence = self._bucket("evidence")
        self.models = self._bucket("models")
        self._expire(self.evidence, kept_days)
        self.uploads = [
            self._upload(f"{MODELS_PREFIX}/{path.relative_to(MODEL_REPOSITORY).as_posix()}", path)
            for path in sorted(MODEL_REPOSITORY.rglob("*"))
            if path.is_file()
        ]
        self.clip = self._upload(CLIP_KEY, CLIP)
        self.register_outputs({"evidence": self.evidence.id, "models": self.models.id})

    def _bucket(self, purpose: str) -> aws.s3.Bucket:
        # Emptied and deleted by `pulumi destroy`, whatever is in it.
        bucket = aws.s3.Bucket(
            purpose,
            bucket_prefix=f"{self._names.prefix}-{purpose}-",
            force_destroy=True,
            opts=self.child(),
        )
        self._encrypt(purpose, bucket)
        self._close(purpose, bucket)
        return bucket

    def _close(self, purpose: str, bucket: aws.s3.Bucket) -> None:
        closed = aws.s3.BucketPublicAccessBlock(
            purpose,
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self.child(),
        )
        aws.s3.BucketOwnershipControls(
            purpose,
            bucket=bucket.id,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=self.child(),
        )
        aws.s3.BucketPolicy(
            purpose,
            bucket=bucket.id,
            policy=_tls_only(bucket),
            opts=self.child(depends_on=[closed]),
        )

    def _encrypt(self, purpose: str, bucket: aws.s3.Bucket) -> None:
        # S3's own key: a KMS key of ours would cost a request a picture and protect no better here.
        aws.s3.BucketServerSideEncryptionConfiguration(
            purpose,
            bucket=bucket.id,
            rules=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}],
            opts=self.child(),
        )

    def _expire(self, bucket: aws.s3.Bucket, kept_days: int) -> None:
        aws.s3.BucketLifecycleConfiguration(
            "evidence",
            bucket=bucket.id,
            rules=[
                {
                    "id": "forget-evidence",
                    "status": "Enabled",
                    "filter": {"prefix": f"{EVIDENCE_PREFIX}/"},
                    "expiration": {"days": kept_days},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": 1},
                }
            ],
            opts=self.child(),
        )

    def _upload(self, key: str, path: Path) -> aws.s3.BucketObjectv2:
        return aws.s3.BucketObjectv2(
            key,
            bucket=self.models.id,
            key=key,
            source=pulumi.FileAsset(str(path)),
            opts=self.child(),
        )


def _tls_only(bucket: aws.s3.Bucket) -> pulumi.Output[str]:
    return document(
        {
            "Sid": "OnlyOverTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [bucket.arn, pulumi.Output.concat(bucket.arn, "/*")],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    )
