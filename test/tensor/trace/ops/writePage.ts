/** Writes `docs/ops.md`. */
import { writeFileSync } from 'node:fs';
import '@tensorflow/tfjs-backend-cpu';
import { page } from './page.js';

writeFileSync(new URL('../../../../docs/ops.md', import.meta.url), page());
