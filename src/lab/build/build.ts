/** Bundles the page of the lab into what the package ships. */
import { resolve } from 'node:path';
import { build } from 'vite';
import { labBuild, root } from './config.js';

await build(labBuild(resolve(root, 'src/lab/page'), resolve(root, 'dist/lab/page')));
