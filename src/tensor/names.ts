/** Names that a user may choose from, apart from what they stand for, so that telling them loads nothing. */
import { type EngineName, engineNames } from './engineNames.js';

export { type EngineName, engineNames };

/** `ort` is ONNX Runtime; the others are engines. */
export type RunnerName = 'ort' | EngineName;
export const runnerNames: readonly RunnerName[] = ['ort', ...engineNames];

/** The ways to quantise. */
export const quantizations = ['s8'] as const;
export type Quantization = (typeof quantizations)[number];
