# Puts the model repository into the cluster's own S3, from where KServe fetches it.
#   docker build -t framerail/models -f kserve/overlays/cluster/models.Dockerfile .
# It needs what the post-processor has - boto3 and our errors - and so stands on its image.
ARG POSTPROC=framerail/postproc:dev
FROM ${POSTPROC}
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="framerail models" \
      org.opencontainers.image.description="Puts the model repository into S3" \
      org.opencontainers.image.licenses="Apache-2.0 AND MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
WORKDIR /app
COPY model_repository model_repository
COPY kserve/overlays/cluster/upload_models.py upload_models.py
HEALTHCHECK NONE
ENTRYPOINT ["/opt/postproc/bin/python", "upload_models.py"]
