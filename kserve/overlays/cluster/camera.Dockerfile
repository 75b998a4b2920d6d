# A camera for clusters: plays the demo clip to an RTSP server, over and over.
#   docker build -t framerail/camera -f kserve/overlays/cluster/camera.Dockerfile .
# It needs what the producer has - FFmpeg and logs - and so stands on its image.
ARG PRODUCER=framerail/producer:dev
FROM ${PRODUCER}
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="framerail camera" \
      org.opencontainers.image.description="Plays the demo clip to an RTSP server" \
      org.opencontainers.image.licenses="Apache-2.0 AND BSD-3-Clause" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
WORKDIR /app
COPY local/__init__.py local/camera.py local/publishing.py local/timeline.py local/
COPY local/clip/pedestrians.mp4 local/clip/pedestrians.mp4
# It serves nothing: the producer's check has nobody to ask.
HEALTHCHECK NONE
ENTRYPOINT ["/opt/producer/bin/python", "-m", "local.camera", "--video", "local/clip/pedestrians.mp4"]
CMD ["--url", "rtsp://rtsp:8554/cam1"]
