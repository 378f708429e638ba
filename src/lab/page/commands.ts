/** The page's state as command lines that give the same maps. */
import { isPlain, type LabState, type MethodInfo, type PanelState, residualText, settled } from './state.js';

/** What a command needs to know beside the state. */
export interface CommandContext {
  /** Path of the picture, as far as the page knows it. */
  readonly picture: string;
  /** Folder of the model; undefined for the one that comes with the package. */
  readonly model?: string;
  readonly methods: readonly MethodInfo[];
}

/** One word of a command line, in quotes where a POSIX shell would see more in it. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) && !text.startsWith('-') ? text : `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * Commands for all panels: one `compare` for the methods as they are, and one `segment` for each that was changed. The
 * user's own attention has none: it goes through the library.
 */
export function commandsOf({ classes, panels }: LabState, { picture, model, methods }: CommandContext): string[] {
  // A path that begins with a dash would be taken for an option.
  const file = shellWord(picture.startsWith('-') ? `./${picture}` : picture);
  const common = [`--classes ${shellWord(classes)}`, ...(model === undefined ? [] : [`--model ${shellWord(model)}`])];
  const infoOf = ({ method }: PanelState) => methods.find(({ name }) => name === method)!;
  const plain = new Set(panels.filter(panel => isPlain(panel, infoOf(panel))).map(({ method }) => method));
  const changed = panels.filter(panel => !isPlain(panel, infoOf(panel)) && panel.attention !== 'mine');
  const compare = ['npx clipscope compare', file, `--methods ${[...plain].join(',')}`, ...common, '-o compare.png'];
  return [
    ...(plain.size > 0 ? [compare.join(' ')] : []),
    ...changed.map((panel, i) => {
      const info = infoOf(panel);
      const { attention, residual, ffn } = settled(panel, info);
      return [
        'npx clipscope segment',
        file,
        `--method sclip --attention ${attention} --residual ${residualText(residual)} --ffn ${ffn ? 'on' : 'off'}`,
        ...(info.pamr > 0 ? [`--pamr ${info.pamr}`] : []),
        ...common,
        `-o panel-${i + 1}.png`,
      ].join(' ');
    }),
  ];
}
