using System.Globalization;
using System.Numerics;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Interprets a pickle as data. The machine knows containers, numbers, text and the few names of <see cref="PickleGlobal"/>;
/// everything else a pickle can do (import, call, build objects, use the extension registry) is refused by name.
/// </summary>
/// <remarks>
/// Every instruction takes at least one byte of the file and makes at most one value, whose entries come from the stack or from the file;
/// what constructors copy beside that, <see cref="PickleBudget"/> counts. So memory is bounded by the file.
/// </remarks>
/// <param name="stream">The bytes; read up to STOP.</param>
/// <param name="location">The file, for messages.</param>
/// <param name="storage">Turns a persistent identifier (a tuple) into a storage.</param>
internal sealed class Unpickler(Stream stream, string location, Func<PickleTuple, object> storage)
{
    /// <summary>Longer integers than this many bytes are no numbers that a checkpoint holds, and quadratic to print.</summary>
    private const uint IntegerLimit = 1024;

    private readonly PickleCursor _cursor = new(stream, location);
    private readonly List<object?> _stack = [];
    private readonly List<int> _marks = [];
    private readonly Dictionary<long, object?> _memo = [];
    private readonly PickleBudget _budget = new(() => stream.Position, location);

    /// <summary>The value of the pickle.</summary>
    /// <exception cref="InvalidDataException">The pickle is broken, or asks for something that is refused.</exception>
    public object? Load()
    {
        while (true)
        {
            var opcode = (PickleOpcode)_cursor.Byte();
            if (opcode == PickleOpcode.Stop) return Pop();
            if (!Constant(opcode) && !Container(opcode) && !Memo(opcode)) Construct(opcode);
        }
    }

    private bool Constant(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Protocol: CheckProtocol(_cursor.Byte()); return true;
            case PickleOpcode.Frame: _cursor.UInt64(); return true;
            case PickleOpcode.None: return Push(null);
            case PickleOpcode.NewTrue: return Push(true);
            case PickleOpcode.NewFalse: return Push(false);
            case PickleOpcode.BinInt: return Push((long)_cursor.Int32());
            case PickleOpcode.BinInt1: return Push((long)_cursor.Byte());
            case PickleOpcode.BinInt2: return Push((long)_cursor.UInt16());
            case PickleOpcode.Long1: return Push(Integer(_cursor.Byte()));
            case PickleOpcode.Long4: return Push(Integer(_cursor.UInt32()));
            case PickleOpcode.Int or PickleOpcode.Long: return Push(TextInteger(opcode));
            case PickleOpcode.BinFloat: return Push(_cursor.BigEndianDouble());
            case PickleOpcode.Float: return Push(TextFloat());
            case PickleOpcode.ShortBinUnicode: return Push(_cursor.Text(_cursor.Byte()));
            case PickleOpcode.BinUnicode: return Push(_cursor.Text(_cursor.UInt32()));
            case PickleOpcode.BinUnicode8: return Push(_cursor.Text(_cursor.UInt64()));
            case PickleOpcode.ShortBinString: return Push(_cursor.ByteText(_cursor.Byte()));
            case PickleOpcode.BinString: return Push(_cursor.ByteText(_cursor.UInt32()));
            case PickleOpcode.ShortBinBytes: return Push(_cursor.Bytes(_cursor.Byte()));
            case PickleOpcode.BinBytes: return Push(_cursor.Bytes(_cursor.UInt32()));
            case PickleOpcode.BinBytes8 or PickleOpcode.ByteArray8: return Push(_cursor.Bytes(_cursor.UInt64()));
            default: return false;
        }
    }

    private bool Container(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Mark: _marks.Add(_stack.Count); return true;
            case PickleOpcode.Pop: Pop(); return true;
            case PickleOpcode.PopMark: PopMark(); return true;
            case PickleOpcode.Dup: return Push(Peek());
            case PickleOpcode.EmptyList or PickleOpcode.EmptySet: return Push(new PickleList());
            case PickleOpcode.EmptyTuple: return Push(new PickleTuple([]));
            case PickleOpcode.EmptyDict: return Push(new PickleDictionary());
            case PickleOpcode.Tuple: return Push(new PickleTuple(PopMark()));
            case PickleOpcode.Tuple1: return Push(new PickleTuple(Pop(1)));
            case PickleOpcode.Tuple2: return Push(new PickleTuple(Pop(2)));
            case PickleOpcode.Tuple3: return Push(new PickleTuple(Pop(3)));
            case PickleOpcode.List or PickleOpcode.FrozenSet: return Push(new PickleList(PopMark()));
            case PickleOpcode.Dict: return Push(Fill(new PickleDictionary(), PopMark()));
            case PickleOpcode.Append: Append(Pop(1)); return true;
            case PickleOpcode.Appends or PickleOpcode.AddItems: Append(PopMark()); return true;
            case PickleOpcode.SetItem: SetItems(Pop(2)); return true;
            case PickleOpcode.SetItems: SetItems(PopMark()); return true;
            default: return false;
        }
    }

    private bool Memo(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.BinPut: _memo[_cursor.Byte()] = Peek(); return true;
            case PickleOpcode.LongBinPut: _memo[_cursor.UInt32()] = Peek(); return true;
            case PickleOpcode.Put: _memo[TextIndex()] = Peek(); return true;
            case PickleOpcode.Memoize: _memo[_memo.Count] = Peek(); return true;
            case PickleOpcode.BinGet: return Push(Recall(_cursor.Byte()));
            case PickleOpcode.LongBinGet: return Push(Recall(_cursor.UInt32()));
            case PickleOpcode.Get: return Push(Recall(TextIndex()));
            default: return false;
        }
    }

    private void Construct(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Global:
                string module = _cursor.Line();
                Push(PickleGlobal.Find(module, _cursor.Line(), location));
                break;
            case PickleOpcode.StackGlobal:
                object?[] names = Pop(2);
                if (names is not [string from, string name]) throw Broken("STACK_GLOBAL without two strings");
                Push(PickleGlobal.Find(from, name, location));
                break;
            case PickleOpcode.Inst:
                string owner = _cursor.Line();
                throw PickleGlobal.Refused(owner, _cursor.Line(), location);   // no allowed name is an old-style class
            case PickleOpcode.Reduce or PickleOpcode.NewObject:
                object?[] call = Pop(2);
                if (call is not [PickleGlobal callee, PickleTuple arguments]) throw Broken($"{opcode} without a name and a tuple");
                Push(PickleConstructor.Apply(callee, arguments, _budget, location));
                break;
            case PickleOpcode.Build:
                Build();
                break;
            case PickleOpcode.BinPersistentId:
                Push(storage(Pop() as PickleTuple ?? throw Broken("a persistent identifier that is not a tuple")));
                break;
            case PickleOpcode.PersistentId or PickleOpcode.Obj or PickleOpcode.NewObjectExtended or PickleOpcode.Extension1 or PickleOpcode.Extension2
                or PickleOpcode.Extension4 or PickleOpcode.NextBuffer or PickleOpcode.ReadOnlyBuffer or PickleOpcode.String or PickleOpcode.Unicode:
                throw new InvalidDataException($"'{location}': refused: the pickle uses the instruction {opcode} before position {_cursor.Position}, which no checkpoint needs. Nothing was executed.");
            default:
                throw Broken($"unknown instruction 0x{(byte)opcode:x2}");
        }
    }

    /// <summary>Attributes of a dictionary (<c>_metadata</c> of a state dict) carry no weights; no other object takes a state.</summary>
    private void Build()
    {
        object? state = Pop();
        if (Peek() is not PickleDictionary || state is not (PickleDictionary or PickleTuple or null))
            throw new InvalidDataException($"'{location}': refused: the pickle sets the state of an object that is not a dictionary, before position {_cursor.Position}. Nothing was executed.");
    }

    private void Append(object?[] items)
    {
        if (Peek() is not PickleList list) throw Broken("an item is appended to something that is not a list");
        list.AddRange(items);
    }

    private void SetItems(object?[] items)
    {
        if (Peek() is not PickleDictionary dictionary) throw Broken("an item is set in something that is not a dictionary");
        Fill(dictionary, items);
    }

    private PickleDictionary Fill(PickleDictionary dictionary, object?[] items)
    {
        if (items.Length % 2 != 0) throw Broken("a key without a value");
        for (int i = 0; i < items.Length; i += 2)
        {
            if (items[i] is PickleList or PickleDictionary or byte[] or TorchTensor) throw Broken("a key that is a container");
            dictionary.Set(items[i], items[i + 1]);
        }
        return dictionary;
    }

    private bool Push(object? value)
    {
        _stack.Add(value);
        return true;
    }

    private object? Peek() => _stack.Count > Floor ? _stack[^1] : throw Broken("the stack is empty");

    private object? Pop() => Pop(1)[0];

    private object?[] Pop(int count)
    {
        if (_stack.Count - Floor < count) throw Broken("the stack is empty");
        object?[] items = [.. _stack[^count..]];
        _stack.RemoveRange(_stack.Count - count, count);
        return items;
    }

    private object?[] PopMark()
    {
        if (_marks.Count == 0) throw Broken("there is no MARK");
        object?[] items = Pop(_stack.Count - Floor);
        _marks.RemoveAt(_marks.Count - 1);
        return items;
    }

    /// <summary>What lies below the last MARK is out of reach.</summary>
    private int Floor => _marks.Count == 0 ? 0 : _marks[^1];

    private object? Recall(long index) => _memo.TryGetValue(index, out object? value) ? value : throw Broken($"the memo has no entry {index}");

    private object Integer(uint bytes)
    {
        if (bytes > IntegerLimit) throw Broken($"an integer of {bytes} bytes");
        return Narrow(new BigInteger(_cursor.Bytes(bytes)));
    }

    private object TextInteger(PickleOpcode opcode)
    {
        string line = _cursor.Line();
        if (opcode == PickleOpcode.Int && line is "00" or "01") return line == "01";
        string digits = opcode == PickleOpcode.Long ? line.TrimEnd('L') : line;
        if (digits.Length > IntegerLimit || !BigInteger.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out BigInteger value)) throw Broken("an integer that is none");
        return Narrow(value);
    }

    private double TextFloat() => double.TryParse(_cursor.Line(), NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value : throw Broken("a number that is none");

    private long TextIndex() => long.TryParse(_cursor.Line(), NumberStyles.None, CultureInfo.InvariantCulture, out long index) ? index : throw Broken("a memo index that is none");

    private static object Narrow(BigInteger value) => value >= long.MinValue && value <= long.MaxValue ? (long)value : value;

    private void CheckProtocol(byte protocol)
    {
        if (protocol > 5) throw Broken($"pickle protocol {protocol}, known are 0 to 5");
    }

    private InvalidDataException Broken(string why) => new($"'{location}': the pickle is broken before position {_cursor.Position}: {why}.");
}
