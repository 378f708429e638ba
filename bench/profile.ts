/**
 * Where the milliseconds of one eager ViT-B/16 image encode go, kernel by kernel and shape by shape.
 *
 *     npx tsx bench/profile.ts [--engine NAME] [--rounds N] [--filter KERNEL]
 */
import { getKernelsForBackend, type KernelConfig, registerKernel, unregisterKernel } from '@tensorflow/tfjs-core';
import { loadClip } from '../src/checkpoint/loadClip.js';
import { getBackend, memory, type TensorInfo, tensor4d, tidy } from '../src/tensor/tfjs.js';
import { randomVitB16 } from './make-vit-b16.js';
import { normal } from './random.js';
import { benchOptions, cpuNow, openReport } from './report.js';
