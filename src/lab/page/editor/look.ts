/** How the editor looks, by light and by dark, as the page's `color-scheme` says. */
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';

const theme = EditorView.theme({
  '&': {
    color: 'light-dark(#1b1f24, #e2e6ea)',
    backgroundColor: 'light-dark(#fbfbfc, #16191d)',
    border: '1px solid light-dark(#8a9099, #6b727b)',
    fontSize: '14px',
  },
  '&.cm-focused': { outline: '2px solid light-dark(#0b62c4, #7fb8ff)' },
  '.cm-scroller': { fontFamily: 'ui-monospace, Menlo, Consolas, monospace', minHeight: '12em', overflow: 'auto' },
  '.cm-content': { caretColor: 'currentColor' },
  '.cm-gutters': {
    color: 'light-dark(#5c636d, #9aa2ad)',
    backgroundColor: 'light-dark(#eff0f2, #1e2227)',
    border: 'none',
  },
  '.cm-tooltip': {
    color: 'light-dark(#1b1f24, #e2e6ea)',
    backgroundColor: 'light-dark(#ffffff, #22272d)',
    border: '1px solid light-dark(#8a9099, #6b727b)',
    maxWidth: 'min(36em, 90vw)',
  },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { color: '#ffffff', backgroundColor: '#0b62c4' },
  '.cm-matchingBracket': { backgroundColor: 'light-dark(#cfe3fb, #2c4463)' },
  '.hint': { padding: '4px 8px', whiteSpace: 'pre-wrap' },
  '.hint p': { margin: '4px 0 0' },
  '& ~ .problems': { listStyle: 'none', margin: '4px 0', padding: '0', fontSize: '14px' },
  '& ~ .problems button': {
    font: 'inherit',
    color: 'light-dark(#a11212, #ff9d96)',
    background: 'none',
    border: 'none',
    padding: '6px 0',
    textAlign: 'start',
    overflowWrap: 'anywhere',
    cursor: 'pointer',
  },
});

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: 'light-dark(#8a2390, #d8a2ee)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'light-dark(#176b34, #8fd6a0)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'light-dark(#9a4a00, #f0b072)' },
  { tag: tags.comment, color: 'light-dark(#5c636d, #9aa2ad)', fontStyle: 'italic' },
  { tag: [tags.typeName, tags.className], color: 'light-dark(#0b5a8c, #86c5f2)' },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName)], color: 'light-dark(#1b4fa0, #9cc0ff)' },
]);

export const appearance = [theme, syntaxHighlighting(colours), EditorView.lineWrapping];
