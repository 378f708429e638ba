// CommonJS for the reason that `tfjsCore.cts` gives.
import cpu = require('@tensorflow/tfjs-backend-cpu');
export = cpu;
