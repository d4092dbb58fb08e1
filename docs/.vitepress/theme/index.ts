// VitePress's own theme with the fonts of the reader's system.
import theme from 'vitepress/theme-without-fonts';
// oxlint-disable-next-line import/no-unassigned-import -- that is how a style is added
import './style.css';

export default theme;
