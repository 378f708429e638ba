/** What a model showed, made up. */
import type { Measured } from '../../src/analysis/measure.js';
import { protocolFor } from '../../src/segment/protocols.js';

/** A model with these tables, "measured" on two scenes. */
export function measuredWith(model: string, tables: Measured['tables']): Measured {
  const { datasets: _, ...constants } = protocolFor('clearclip');
  const protocol = { ...constants, window: 96, stride: 48 };
  return {
    model,
    dataset: 'scenes:n=2',
    images: 2,
    windows: 18,
    protocol: { method: 'clearclip', variant: {}, protocol, wording: 'folder', templates: 'imagenet80' },
    tables,
    pictures: {},
  };
}
