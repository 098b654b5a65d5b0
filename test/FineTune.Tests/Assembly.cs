// Console output is caught, and libtorch uses every core.
[assembly: Microsoft.VisualStudio.TestTools.UnitTesting.DoNotParallelize]
