// What a test's page runs: the package as a bundler finds it, and what the tests ask of it by name.
import * as clipscope from 'clipscope/browser';
import { tasks } from './tasks.ts';

const bytesAt = async path => new Uint8Array(await (await fetch(path)).arrayBuffer());
const names = ['model.safetensors', 'config.json', 'preprocessor_config.json', 'clipscope.json'];

/** The embedded model. */
const loadModel = async options => {
  const files = await Promise.all(names.map(async name => [name, new Blob([await bytesAt(`/weights/${name}`)])]));
  return clipscope.loadClipFiles(Object.fromEntries(files), options);
};

/** A task's results as lists of numbers. */
const runTask = async (name, options) => {
  await clipscope.startEngine('cpu');
  const clip = await loadModel({ weights: 'file' });
  try {
    return (await tasks[name](clipscope, clip, options)).map(values => Array.from(values));
  } finally {
    clip.dispose();
  }
};

/** A file of the site as a picture. */
const decoded = async path => {
  const how = { colorSpaceConversion: 'none', imageOrientation: 'none' };
  const bitmap = await createImageBitmap(await (await fetch(path)).blob(), how);
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
  context.drawImage(bitmap, 0, 0);
  return clipscope.pictureOfCanvas(context.getImageData(0, 0, bitmap.width, bitmap.height));
};

/** How an attempt fails, and whether that is the user's to mend. */
const failureOf = async attempt => {
  try {
    await attempt();
    return { isInput: false, message: 'nothing went wrong' };
  } catch (error) {
    return { isInput: error instanceof clipscope.InputError, message: error.message };
  }
};

Object.assign(globalThis, { clipscope, failureOf, decoded, bytesAt, loadModel, runTask });
