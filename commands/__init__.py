"""The commands of `yunhe`, one module each, and what they share. They wire; they hold no rule of the domain."""
