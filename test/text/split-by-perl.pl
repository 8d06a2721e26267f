# split-by-perl.pl - makes up Unicode texts and cuts them with Perl's regexes.
#
# Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#   split-by-perl.pl SEED TEXTS < specs
#
# The witness of split-test.cpp. A spec is a line `spec NAME`, then a line
# `stage REGEX` or `end-stage REGEX` (its matches must end a piece) for each
# stage. Prints for each spec and text `NAME HEX HEX ...`, the pieces in UTF-8.
use strict;
use warnings;

my ($seed, $texts) = @ARGV;

sub below {
    $seed = ($seed * 1103515245 + 12345) % 2**31;
    return int($seed / 2**31 * $_[0]);
}

# Text that the regexes tell apart, and ranges of code points.
my @words = ("'s", "'S", "'t", "'re", "'VE", "'m", "'Ll", "'d", "'\x{17f}",
    "'", "  ", "\r\n", "\n", "\n\n", " \n ", "\t", "   ", " ", " ", "/",
    "<sentinel:12>", "<sentinel:", "IMGIMGABZ", "IMGIMGABCDEZ", "123", "1234",
    "\x{1f468}\x{200d}\x{1f469}", "e\x{301}", "iPhone", "HTTPServer",
    "\x{1c4}\x{1c5}\x{1c6}", "\x{3000}", "\x{85}", "\x{2028}", "\x{a0}",
    "\x{640}", "\x{0}", "word", " word", ".", "...", "\x{bd}", "\x{2167}");
my @ranges = ([0x20, 0x7e], [0x20, 0x7e], [0x61, 0x7a], [0x41, 0x5a],
    [0x30, 0x39], [0x21, 0x2f], [0x0, 0x1f], [0xa0, 0x24f], [0x250, 0x36f],
    [0x370, 0x3ff], [0x400, 0x52f], [0x590, 0x6ff], [0x900, 0x97f],
    [0xe00, 0xe7f], [0x1000, 0x109f], [0x10a0, 0x10ff], [0x1e00, 0x1fff],
    [0x2000, 0x206f], [0x2070, 0x218f], [0x2190, 0x2bff], [0x2c00, 0x2fdf],
    [0x3000, 0x30ff], [0x3100, 0x318f], [0x4e00, 0x9fff], [0xa640, 0xa7ff],
    [0xab70, 0xabbf], [0xac00, 0xd7a3], [0xf900, 0xfaff], [0xfb00, 0xfe4f],
    [0xfe50, 0xffef], [0x10400, 0x104ff], [0x1d400, 0x1d7ff],
    [0x1f000, 0x1faff], [0x20000, 0x2a6df], [0x16fe0, 0x16fff],
    [0x0, 0xd7ff], [0xe000, 0xfdcf], [0x10000, 0x1ffff], [0x30000, 0x31fff]);

sub make_text {
    my $text = "";
    for (my $count = 1 + below(24); $count > 0; --$count) {
        if (below(3) == 0) {
            $text .= $words[below(scalar @words)];
            next;
        }
        my ($first, $last) = @{$ranges[below(scalar @ranges)]};
        my $run = 1 + below(4);
        for (; $run > 0; --$run) {
            my $char = chr($first + below($last - $first + 1));
            $text .= $char if $char =~ /\p{Assigned}/;
        }
    }
    $text .= " " x below(40) if below(4) == 0;
    $text .= "x" if below(2) == 0;
    return $text;
}

# Cuts one piece: the matches, and what lies between them.
sub cut {
    my ($stage, $piece) = @_;
    my @pieces;
    my $end = 0;
    while ($piece =~ /$stage/g) {
        push @pieces, substr($piece, $end, $-[0] - $end) if $-[0] > $end;
        push @pieces, substr($piece, $-[0], $+[0] - $-[0]);
        $end = $+[0];
    }
    push @pieces, substr($piece, $end) if $end < length $piece;
    return @pieces;
}

sub show {
    my ($name, $stages) = @_;
    for (1 .. $texts) {
        my @pieces = (make_text());
        for my $stage (@$stages) {
            @pieces = map { cut($stage, $_) } @pieces;
        }
        my @lines;
        for my $piece (@pieces) {
            utf8::encode($piece);
            push @lines, unpack("H*", $piece);
        }
        print join(" ", $name, @lines), "\n";
    }
}

my ($name, @stages);
while (my $line = <STDIN>) {
    chomp $line;
    my ($kind, $value) = split / /, $line, 2;
    if ($kind eq "spec") {
        show($name, \@stages) if defined $name;
        ($name, @stages) = ($value);
        next;
    }
    # Perl's \p{Han} is Script_Extensions. It has no && in classes; looking ahead
    # says the same.
    $value =~ s/\\p\{Han\}/\\p{Script=Han}/g;
    $value =~ s/(\[[^\[\]]*)&&\[\^(\\p\{Script=Han\})\]\]/(?:(?!$2)$1])/g;
    $value .= "\\z" if $kind eq "end-stage";
    push @stages, qr/$value/u;
}
show($name, \@stages) if defined $name;
