/** An attention to start from; the same text in a file is a method for `clipscope compare --method mine.ts`. */
export const firstAttention = `import { type Attention, add, mix, scores, softmax } from 'clipscope';

// q, k, v: [batch, head, token, width]. A pattern that is named can be looked at.
const attention: Attention = ({ q, k, v, scale, point }) => {
  const pattern = add(softmax(scores(q, q, scale)), softmax(scores(k, k, scale)));
  return mix(point('pattern', pattern), v);
};

export default attention;
`;
