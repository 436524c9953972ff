// Every kind of attack, in the order in which they are tried. `secrets` comes last: it searches the answers of the others.
import type { Kind } from '../kind.ts';
import { atRest } from './at-rest.ts';
import { configuration } from './configuration.ts';
import { bodies } from './http/bodies.ts';
import { cookies } from './http/cookies.ts';
import { crossSite } from './http/cross-site.ts';
import { idempotency } from './http/idempotency.ts';
import { othersTasks } from './http/others-tasks.ts';
import { secrets } from './http/secrets.ts';
import { starvation } from './http/starvation.ts';
import { uploads } from './http/uploads.ts';
import { busApi } from './push/bus-api.ts';
import { channelAuthorization } from './push/channel-authorization.ts';
import { fallback } from './push/fallback.ts';
import { frames } from './push/frames.ts';
import { madeUpChannels } from './push/made-up-channels.ts';
import { webhooks } from './push/webhooks.ts';
import { texts } from './texts.ts';

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
