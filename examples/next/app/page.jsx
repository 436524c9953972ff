import { Reports } from './reports.jsx';

export const metadata = { title: 'Reports', icons: 'data:,' };

export default function Page() {
  return (
    <main>
      <h1>Reports</h1>
      <Reports />
    </main>
  );
}
