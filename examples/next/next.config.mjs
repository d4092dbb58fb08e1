/** @type {import('next').NextConfig} */
export default {
  // Else a lock file further up would make that folder the root.
  turbopack: { root: import.meta.dirname },
  serverExternalPackages: ['inferlane'],
};
