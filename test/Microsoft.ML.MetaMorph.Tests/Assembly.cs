// libtorch already uses every core; two tests at a time would only measure each other's memory.
[assembly: DoNotParallelize]
