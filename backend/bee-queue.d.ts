// What bee-queue 2 has and its own types leave out.

declare module 'bee-queue/lib/lua/index.js' {
  const lua: { buildCache(client: unknown): Promise<unknown> };
  export default lua;
}
