/** The names that methods ask for, as vectors. */
import { loadClip } from '../../checkpoint/loadClip.js';
import type { TextFeatures } from '../../segment/textFeatures.js';
import { openRunner } from '../../tensor/runner.js';
import type { OpenPlan } from '../run/openPlan.js';
import { fulfilTexts, requestTexts, type TextRequest } from '../texts.js';
import type { MethodGroup } from './groups.js';

/**
 * Each group's names in its prompts. The text tower is loaded only where features are not kept from an earlier time, and
 * freed again.
 * @param onProgress called with the names encoded so far, of how many
 * @throws InputError as `textFeatures`, or for an engine that is not there
 */
export async function encodeTexts(
  groups: readonly MethodGroup[],
  { model, plan }: Pick<OpenPlan, 'model' | 'plan'>,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<TextFeatures[]> {
  const requests: TextRequest[] = [];
  for (const { methods, templates } of groups) {
    requests.push(await requestTexts(model, methods[0]!.vocabulary.queries, templates, plan));
  }
  const kept = requests.flatMap(request => request.kept ?? []);
  if (kept.length === requests.length) return kept;
  const { engine, threads, quantize, activation } = plan;
  // Whoever watches, or keeps its shards at a queue, is not held up.
  const runner = await openRunner(engine, {
    host: 'worker',
    ...(threads !== undefined && { threads }),
    ...(quantize && { quantize }),
  });
  try {
    const clip = await loadClip(plan.model, {
      towers: ['text'],
      weights: engine === 'ort' ? 'file' : 'engine',
      ...(activation && { activation }),
    });
    try {
      const features: TextFeatures[] = [];
      for (const request of requests) features.push(await fulfilTexts(clip, request, { runner, onProgress }));
      return features;
    } finally {
      clip.dispose();
    }
  } finally {
    await runner.dispose();
  }
}
