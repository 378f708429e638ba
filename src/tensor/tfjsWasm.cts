// CommonJS for the reason that `tfjsCore.cts` gives.
import wasm = require('@tensorflow/tfjs-backend-wasm');
export = wasm;
