// `npm run build`: writes dist/, installing the npm packages first when they are missing.
import { build, prepare } from './setup/bootstrap.mjs';

await prepare();
await build();
