// What bee-queue 2 has and its own types leave out.

declare module 'bee-queue/lib/lua/index.js' {
  const lua: { readonly scripts: Record<string, string>; readonly shas: Record<string, string> };
  export default lua;
}
