/** Switches between light and dark. */
import { Moon, Sun } from 'lucide-react';
import { toggleTheme, useTheme } from '../theme.ts';
import { IconButton } from '../ui/button.tsx';

export function ThemeButton() {
  const theme = useTheme();
  const Icon = theme === 'dark' ? Sun : Moon;
  return (
    <IconButton label={theme === 'dark' ? 'Use light colours' : 'Use dark colours'} onClick={toggleTheme}>
      <Icon size={18} aria-hidden />
    </IconButton>
  );
}
