import { filePage, outsidePages } from '../.vitepress/site-links.ts';

/** A page for each file outside of this folder that a page leads to. */
export default {
  paths: () => outsidePages().map(({ path, content }) => ({ params: { file: filePage(path).replace(/^files\/|\.md$/g, '') }, content })),
};
