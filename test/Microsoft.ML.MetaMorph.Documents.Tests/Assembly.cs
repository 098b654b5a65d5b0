// libtorch already uses every core.
[assembly: DoNotParallelize]
