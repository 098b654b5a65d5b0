// Fine-tunes a model that reads and draws pictures on rows of one's own: validates, plans, trains, goes on after a kill, merges, tries and evaluates.
using FineTune;

return FineTuneCommands.Invoke(args);
