// The environment variables by which an application finds its Redis and its bus: how they are replaced, and written to a file.

/**
 * A copy of an environment without the variables of a bus. Those of a hosted account must not be mixed with those of a local
 * Soketi. The encryption key stays: it belongs to no account.
 */
export function withoutPusher(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const others = Object.entries(env).filter(
    ([name]) => !name.startsWith('PUSHER_') || name === 'PUSHER_ENCRYPTION_KEY',
  );
  return Object.fromEntries(others);
}

/** Lines of a .env file, which a shell reads as well. */
export function toEnvLines(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(
      ([name, value]) => `${name}=${/^[\w:/@.,%+=-]*$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`}\n`,
    )
    .join('');
}
