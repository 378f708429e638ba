import type { View } from 'vega';
import type { TopLevelSpec } from 'vega-lite';

/** Lays out a Vega-Lite specification, hands it to `draw`, and frees it afterwards. The two packages are loaded here alone. */
export async function withView<T>(spec: TopLevelSpec, draw: (view: View) => Promise<T>): Promise<T> {
  const [{ compile }, vega] = await Promise.all([import('vega-lite'), import('vega')]);
  const view = new vega.View(vega.parse(compile(spec).spec), { renderer: 'none' });
  try {
    return await draw(view);
  } finally {
    view.finalize();
  }
}
