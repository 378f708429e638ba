/** In the place of `cpuBackend.ts`: a page loads it with its script. */
import './tfjsCpu.cjs';

export function loadCpuBackend(): void {}
