module example.com/fauxmetaltest

go 1.22
