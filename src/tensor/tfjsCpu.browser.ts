/** In the place of `tfjsCpu.cts`: bundlers take the package's own ES modules. */
import * as cpu from '@tensorflow/tfjs-backend-cpu';

export default cpu;
