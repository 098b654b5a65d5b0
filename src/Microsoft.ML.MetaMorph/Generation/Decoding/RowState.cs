namespace Microsoft.ML.MetaMorph;

/// <summary>One sequence of a step: where its keys and values lie and how far it has come.</summary>
internal struct RowState
{
    /// <summary>The address of the keys of each layer, <c>[kvHeads, capacity, headWidth]</c> floats.</summary>
    public nint[] Keys;

    /// <summary>The address of the values of each layer, likewise.</summary>
    public nint[] Values;

    /// <summary>Positions that the keys and values have room for.</summary>
    public int Capacity;

    /// <summary>Where the step's key and value go; they attend to themselves and to everything before.</summary>
    public int Position;
}
