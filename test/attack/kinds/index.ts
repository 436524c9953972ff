// Every kind of attack, in the order in which they are tried. `secrets` comes last: it searches the answers of the others.
import type { Kind } from '../kind.ts';
import { atRest } from './at-rest.ts';
import { bodies } from './bodies.ts';
import { busApi } from './bus-api.ts';
import { channelAuthorization } from './channel-authorization.ts';
import { configuration } from './configuration.ts';
import { cookies } from './cookies.ts';
import { crossSite } from './cross-site.ts';
import { fallback } from './fallback.ts';
import { frames } from './frames.ts';
import { idempotency } from './idempotency.ts';
import { madeUpChannels } from './made-up-channels.ts';
import { othersTasks } from './others-tasks.ts';
import { secrets } from './secrets.ts';
import { starvation } from './starvation.ts';
import { texts } from './texts.ts';
import { uploads } from './uploads.ts';
import { webhooks } from './webhooks.ts';

export const KINDS: readonly Kind[] = [
  othersTasks,
  cookies,
  channelAuthorization,
  idempotency,
  crossSite,
  frames,
  busApi,
  webhooks,
  madeUpChannels,
  fallback,
  bodies,
  texts,
  uploads,
  starvation,
  configuration,
  atRest,
  secrets,
];
