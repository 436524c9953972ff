# Hardened Soketi from the published packages, for production:
#   docker build -t inloop-soketi -f soketi.Dockerfile .
#   docker run --env-file soketi.env -p 6001:6001 inloop-soketi
# soketi.env has PUSHER_APP_ID, PUSHER_KEY, PUSHER_SECRET and INLOOP_SOKETI_WEBHOOK.
# Node 20, because Soketi's native part has no binary for newer versions of Node.
FROM node:20-bookworm-slim AS packages
WORKDIR /soketi
RUN npm init -y \
  && npm pkg set 'overrides[uWebSockets.js]=npm:@trufflesuite/uws-js-unofficial@20.30.0-unofficial.0' 'overrides[@soketi/soketi][axios]=^0.35.0' \
  && npm install --ignore-scripts --no-audit --no-fund inloop @soketi/soketi@1.6.1

# Without npm's cache: the image is 117 MB smaller.
FROM node:20-bookworm-slim
WORKDIR /soketi
COPY --from=packages /soketi .
# The user "node". Given as a number, since Kubernetes cannot tell whether a name is that of root.
USER 1000:1000
ENV SOKETI_HOST=0.0.0.0 SOKETI_PORT=6001
EXPOSE 6001
HEALTHCHECK --interval=5s --timeout=5s --retries=12 CMD ["node", "-e", "fetch('http://127.0.0.1:6001/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "node_modules/inloop/dist/cli/main.js", "soketi"]
