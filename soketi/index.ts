// `inloop/soketi`: what starts a hardened Soketi from a program, for adopters' own scripts and tests.
export { SOKETI_PRELOAD, type SoketiCommand, type SoketiOptions, soketiCommand } from './command.ts';
export {
  findSoketi,
  installCommands,
  installNodeCommand,
  type SoketiFault,
  type SoketiInstallation,
  SoketiMissingError,
} from './find-soketi.ts';
export { createPusherApp, type PusherApp, probeSoketi, pusherEnvOf } from './pusher-app.ts';
export { listenOn, SAFE_SETTINGS, TASK_CHANNELS_ONLY } from './settings.cjs';
