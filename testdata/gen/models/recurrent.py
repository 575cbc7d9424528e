"""Recurrent layers and cells, scripted and traced."""
from typing import List, Optional, Tuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from common import fixture

from . import script, trace


class Recurrent(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor):
        return self.layer(x)


def sequence():
    return torch.randn(2, 5, 3)


@fixture
def rnn_scripted():
    """nn.RNN, scripted"""
    return script(Recurrent(nn.RNN(3, 4, batch_first=True)), sequence())


@fixture
def lstm_scripted():
    """a bidirectional two-layer nn.LSTM, scripted"""
    return script(Recurrent(nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True)), sequence())


@fixture
def gru_scripted():
    """nn.GRU, scripted"""
    return script(Recurrent(nn.GRU(3, 4, batch_first=True)), sequence())


@fixture
def rnn_traced():
    """nn.RNN with relu, traced"""
    return trace(Recurrent(nn.RNN(3, 4, nonlinearity="relu", batch_first=True)), sequence())


@fixture
def lstm_traced():
    """nn.LSTM with projection, traced"""
    return trace(Recurrent(nn.LSTM(3, 4, proj_size=2, batch_first=True)), sequence())


@fixture
def gru_traced():
    """a bidirectional nn.GRU, traced"""
    return trace(Recurrent(nn.GRU(3, 4, bidirectional=True, batch_first=True)), sequence())


class Cells(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.gru, self.rnn = nn.LSTMCell(3, 4), nn.GRUCell(4, 4), nn.RNNCell(4, 4)

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        h = torch.zeros(x.size(0), 4)
        c = torch.zeros(x.size(0), 4)
        g = torch.zeros(x.size(0), 4)
        outs: List[Tensor] = []
        for t in range(x.size(1)):
            h, c = self.lstm(x[:, t], (h, c))
            g = self.gru(h, g)
            outs.append(self.rnn(g, h))
        return torch.stack(outs, 1), c


@fixture
def cells_scripted():
    """LSTM, GRU and RNN cells in a loop, scripted"""
    return script(Cells(), sequence())


@fixture
def cells_traced():
    """LSTM, GRU and RNN cells, traced: the loop is unrolled"""
    return trace(Cells(), sequence())


class Packed(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 4, batch_first=True)

    def forward(self, x: Tensor, lengths: Tensor) -> Tuple[Tensor, Tensor]:
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        y, _ = self.lstm(packed)
        return pad_packed_sequence(y, batch_first=True)


@fixture
def lstm_packed():
    """packed sequences, a named tuple of the library with Optional fields"""
    return script(Packed(), sequence(), torch.tensor([3, 5]))


class GreedyDecoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.cell, self.out = nn.Embedding(6, 4), nn.GRUCell(4, 4), nn.Linear(4, 6)

    def forward(self, h: Tensor, limit: int) -> Tuple[List[int], Optional[Tensor]]:
        token, tokens = 1, torch.jit.annotate(List[int], [])
        last: Optional[Tensor] = None
        while len(tokens) < limit:
            h = self.cell(self.emb(torch.tensor([token])), h)
            logits = self.out(h)
            token = int(logits.argmax())
            tokens.append(token)
            last = logits
            if token == 0:
                break
        return tokens, last


@fixture
def decoder_greedy():
    """a greedy decoder: data decides how long the loop runs"""
    return script(GreedyDecoder(), torch.randn(1, 4), 8)
