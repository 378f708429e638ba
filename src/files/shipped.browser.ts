/** In the place of `shipped.ts`: the data that a page may need, which its bundler brings along. */
import templates from '../../data/classes/templates.json' with { type: 'json' };
import entities from '../../data/html-entities.json' with { type: 'json' };

const bundled: Readonly<Record<string, unknown>> = { 'classes/templates': templates, 'html-entities': entities };

export const shippedJson = (name: string): unknown => bundled[name];
