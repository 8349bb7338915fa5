/**
 * The app is built into `dist/`, which the runtime serves; `npm run dev` serves it alone and asks the runtime on this
 * machine, which lets its pages open calls when it is started with `CORS_ORIGINS=http://localhost:5173`.
 */
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const RUNTIME = 'http://127.0.0.1:8080';
const ROUTES = ['/assistant', '/call', '/providers', '/readyz'];

export default defineConfig({
  plugins: [react(), tailwindcss()],
  // Worklets must be files: the page's content policy lets no script run from data.
  build: { target: 'es2022', assetsInlineLimit: 0 },
  worker: { format: 'es' },
  server: {
    // `^/call(/|$|?)`: the app's own addresses, `/calls` among them, stay with the app.
    proxy: Object.fromEntries(ROUTES.map((route) => [`^${route}(/|\\?|$)`, { target: RUNTIME, ws: true }])),
  },
});
