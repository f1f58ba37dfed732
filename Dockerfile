# Shoal in a container: built from this checkout, run as a user without rights, everything it keeps in /data.
#
#   docker build -t shoal .
#   docker run --rm -p 127.0.0.1:8080:8080 -v shoal:/data -e SHOAL__INSTANCE__URL=http://localhost:8080 shoal
#
# docs/admin/install.md says more; docker-compose.yml has it ready.

FROM rust:1.95-bookworm AS build
# The image's own toolchain, whatever rust-toolchain.toml asks for.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package shoal \
    && install -D -m 0755 target/release/shoal /out/shoal

FROM debian:bookworm-slim
# The certificate authorities by which other servers are known; nothing else is needed beside the program.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin shoal \
    && install -d -o shoal -g shoal -m 0700 /data
COPY --from=build /out/shoal /usr/local/bin/shoal
COPY LICENSE /usr/share/doc/shoal/LICENSE
USER shoal
WORKDIR /data
# The container's own addresses: what is reachable from outside is decided by the ports that are published. The figures
# stay on the loopback of the container; docs/admin/watching.md says how to reach them.
ENV SHOAL__DATA=/data \
    SHOAL__HTTP__LISTEN=0.0.0.0:8080 \
    SHOAL__TRACKER__UDP__LISTEN='["0.0.0.0:6969"]' \
    SHOAL__TRACKER__HTTP__LISTEN='["0.0.0.0:6969"]'
VOLUME /data
EXPOSE 8080 6969/tcp 6969/udp
# Asks /readyz through bash, so that the image needs no HTTP client.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
# SIGTERM: finish what is in hand, save the swarms, exit within 30 seconds. Give it `docker stop --time 35`.
STOPSIGNAL SIGTERM
ENTRYPOINT ["shoal"]
CMD ["serve"]
