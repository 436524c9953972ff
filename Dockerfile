# One image for the demo's server and worker and for Soketi, which differ by their command only. See docker-compose.yml.
# Node 20, because Soketi's native part has no binary for newer ones.
FROM node:20-bookworm-slim
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build && mkdir /data && chown node:node /data
USER node
CMD ["node", "dist/demo/server.js"]
