/** A thread that makes batches for `batches.ts`. */
import { serveBatches } from '../../train/serveBatches.js';
import { regionBatches } from './batch.js';

serveBatches(regionBatches);
