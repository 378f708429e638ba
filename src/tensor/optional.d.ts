/** Loaded where it is installed, and for what it does on loading. */
declare module '@tensorflow/tfjs-backend-webgpu';
