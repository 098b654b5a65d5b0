namespace Microsoft.ML.MetaMorph;

/// <summary>Which parts learn, and from which loss.</summary>
public enum VisualPredictiveStage
{
    /// <summary>
    /// Stage 1: projector and input embedding learn from the language loss alone (arXiv 2412.14164, appendix).
    /// With tied embeddings the output matrix is the input embedding and moves along.
    /// </summary>
    ConnectorPretraining,

    /// <summary>Stage 2: everything but the image encoder learns, from both losses.</summary>
    InstructionTuning,
}
