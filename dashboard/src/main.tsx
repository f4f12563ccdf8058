import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ApiProblem } from './api/client.ts';
import { App } from './app.tsx';
import './signalbox.css';
import './page.css';
import 'uplot/dist/uPlot.min.css';

/** The live events ask again each second, so a failed question need not. Signed out: the page begins anew. */
const client = new QueryClient({
  defaultOptions: {
    queries: {
      retry: false,
      refetchOnWindowFocus: false,
      staleTime: 500,
      throwOnError: (error, { queryKey }) => {
        if (error instanceof ApiProblem && error.status === 401 && queryKey[0] !== 'me')
          void client.invalidateQueries({ queryKey: ['me'] });
        return false;
      },
    },
  },
});

const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <App />
      </QueryClientProvider>
    </StrictMode>,
  );
}
