#!/usr/bin/env perl
# An independent implementation of export/README.md, used as a test of that page. It was written from the page, the
# manifest and the golden files only, and shares no code with the Python package. It implements every step of the page
# that needs no network: `perl contract.pl BUNDLE_FOLDER ...` prints one TAP line for each golden image and for each PNG
# under `decoded`, and exits with 1 if any differs. If a bundle has the features of its images, it computes similarity
# and novelty from them. For bundles of the method `mim` only, because others have no masks. Core modules only.
use strict;
use warnings;
use Compress::Zlib qw(crc32 uncompress);
use JSON::PP qw(decode_json);
use List::Util qw(max min sum0);

# The golden numbers come from float32; this program computes in doubles.
my %TOLERANCE = (ssim => 1e-4, contrast => 1e-6, detail => 1e-6, p_class => 1e-5, p_other => 1e-5, similarity => 1e-3,
    novelty => 1e-3);

# --- Files ------------------------------------------------------------------------------------------------------------
sub read_bytes {
    my ($path) = @_;
    open my $file, '<:raw', $path or die "$path: $!\n";
    local $/;
    return scalar <$file>;
}

# Undo the filter of each line (PNG specification, section 9): all bytes of the image, as one array.
sub unfilter {
    my ($data, $line_bytes, $step) = @_;
    my ($filtered_bytes, @above) = ($line_bytes + 1, (0) x $line_bytes);
    my @all;
    for my $packed (unpack "(a$filtered_bytes)*", $data) {
        my ($filter, @line) = unpack 'C*', $packed;
        for my $i ($filter ? (0 .. $line_bytes - 1) : ()) {
            my $up = $above[$i];
            my ($left, $corner) = $i < $step ? (0, 0) : ($line[$i - $step], $above[$i - $step]);
            if    ($filter == 1) { $line[$i] += $left }
            elsif ($filter == 2) { $line[$i] += $up }
            elsif ($filter == 3) { $line[$i] += ($left + $up) >> 1 }
            else {    # Paeth: the neighbour nearest to left + up - corner; ties go to left, then to up
                my ($a, $b, $c) = (abs $up - $corner, abs $left - $corner, abs $left + $up - 2 * $corner);
                $line[$i] += $a <= $b && $a <= $c ? $left : $b <= $c ? $up : $corner;
            }
            $line[$i] &= 255;
        }
        push @all, @above = @line;
    }
    return \@all;
}

# Step 1 for PNG files: 8-bit grey, RGB and palette, with or without alpha, and 16-bit grey; not interlaced.
# Returns width, height and a flat array R, G, B, R, G, B, ...
sub read_png {
    my ($path) = @_;
    my %chunk = (IDAT => '', PLTE => '', tRNS => '');
    for (my ($bytes, $at) = (read_bytes($path), 8); $at < length $bytes;) {
        my ($length, $type) = unpack 'N a4', substr $bytes, $at, 8;
        $chunk{$type} .= substr $bytes, $at + 8, $length;
        $at += $length + 12;
    }
    my ($width, $height, $depth, $colour, undef, undef, $interlaced) = unpack 'N2 C5', $chunk{IHDR};
    die "$path: this kind of PNG is not supported\n"
        if $interlaced || !($depth == 8 || $depth == 16 && $colour == 0) || $chunk{tRNS} ne '' && $colour != 3;
    my $step = {0 => 1, 2 => 3, 3 => 1, 4 => 2, 6 => 4}->{$colour} * $depth / 8;
    my $raw  = unfilter(uncompress($chunk{IDAT}), $width * $step, $step);
    return ($width, $height, $raw) if $colour == 2;

    my @palette = unpack '(a3)*', $chunk{PLTE};
    my @opacity = unpack 'C*',    $chunk{tRNS};
    my @rgb;
    while (my @v = splice @$raw, 0, $step) {
        @v = int(($v[0] * 256 + $v[1] + 128) / 257) if $depth == 16;
        @v = (unpack('C3', $palette[$v[0]]), $opacity[$v[0]] // 255) if $colour == 3;
        my $alpha = $colour >= 3 ? pop @v : 255;
        @v = (@v) x 3 if @v == 1;
        push @rgb, map { int(($_ * $alpha + 255 * (255 - $alpha) + 127) / 255) } @v;
    }
    return ($width, $height, \@rgb);
}

# For each line of `length` RGB pixels and each tap [first pixel, weight, weight, ...] the weighted sum: 64-bit integers
# for the area average, doubles for SSIM. The result is transposed, so that a second call goes along the columns.
sub weighted_sums {
    my ($pixels, $length, $taps) = @_;
    my @sums;
    for my $tap (@$taps) {
        my ($first, @weights) = @$tap;
        for my $line (0 .. @$pixels / (3 * $length) - 1) {
            my $i = 3 * ($line * $length + $first);
            my ($r, $g, $b) = (0, 0, 0);
            for my $w (@weights) {
                $r += $w * $pixels->[$i++];
                $g += $w * $pixels->[$i++];
                $b += $w * $pixels->[$i++];
            }
            push @sums, $r, $g, $b;
        }
    }
    return \@sums;
}

# The same along the rows and then the columns of an n x n image.
sub window_sums { my ($pixels, $n, $taps) = @_; return weighted_sums(weighted_sums($pixels, $n, $taps), $n, $taps) }

# --- Steps 3 to 4a: square and resample -------------------------------------------------------------------------------
sub centre_square {
    my ($width, $height, $pixels) = @_;
    my $n = min($width, $height);
    my ($left, $top) = (int(($width - $n) / 2), int(($height - $n) / 2));
    my @square = map { my $o = 3 * ($_ * $width + $left); @$pixels[$o .. $o + 3 * $n - 1] } $top .. $top + $n - 1;
    return ($n, \@square);
}

sub area_average {
    my ($n, $pixels, $size) = @_;
    use integer;
    my @taps;
    for my $j (0 .. $size - 1) {
        my ($first, $last) = ($j * $n / $size, (($j + 1) * $n - 1) / $size);    # the source pixels that j touches
        push @taps, [$first, map { min(($_ + 1) * $size, ($j + 1) * $n) - max($_ * $size, $j * $n) } $first .. $last];
    }
    return [map { (2 * $_ + $n * $n) / (2 * $n * $n) } @{window_sums($pixels, $n, \@taps)}];
}

# --- Steps 5 and 6: masks, generator input, assembly ------------------------------------------------------------------
# The mask that hides each pixel of s x s, in reading order.
sub hiding_masks {
    my ($s, $cell, $count, $step) = @{$_[0]}{qw(size cell count step)};
    return [map { (int($_ % $s / $cell) + int(int($_ / $s) / $cell) * $step) % $count } 0 .. $s * $s - 1];
}

# The mean, rounded half up; 0 where nothing is counted.
sub rounded { use integer; my ($sum, $n) = @_; return $n ? (2 * $sum + $n) / (2 * $n) : 0 }

# Step 5a: one channel, coarse to fine; hidden pixels (undefined) become averages.
sub filled {
    my ($seen, $n) = @_;
    my (@sums, @counts);
    for my $i (grep { defined $seen->[$_] } 0 .. $#$seen) {
        for (my $side = $n;; $side /= 2) {
            my $block = int(int($i / $n) * $side / $n) * $side + int($i % $n * $side / $n);
            $sums[$side][$block] += $seen->[$i];
            $counts[$side][$block]++;
            last if $side <= 4 || $side % 2;
        }
    }
    my @sides = $n;
    unshift @sides, $sides[0] / 2 while $sides[0] > 4 && $sides[0] % 2 == 0;
    my ($fill, $before);
    for my $side (@sides) {
        my ($sum, $number) = ($sums[$side], $counts[$side]);
        my @known = map { $number->[$_] ? rounded($sum->[$_], $number->[$_]) : undef } 0 .. $side**2 - 1;
        my @some  = grep { defined } @known;
        my $start = $fill ? sub { $fill->[int(int($_[0] / $side) / 2) * $before + int($_[0] % $side / 2)] }
            : sub { rounded(sum0(@some), scalar @some) };
        my @level = map { $known[$_] // $start->($_) } 0 .. $#known;
        for (1 .. ($side < $n ? 8 : 2)) {
            my @old = @level;
            for my $i (grep { !defined $known[$_] } 0 .. $#known) {
                my ($y, $x) = (int($i / $side), $i % $side);
                my @next = ($y > 0 ? $i - $side : $i, $y < $side - 1 ? $i + $side : $i,
                    $x > 0 ? $i - 1 : $i, $x < $side - 1 ? $i + 1 : $i);
                $level[$i] = int((sum0(@old[@next]) + 2) / 4);
            }
        }
        ($fill, $before) = (\@level, $side);
    }
    return $fill;
}

# The CRC32 of the int8 inputs of some masks, one after the other.
sub filled_crc32 {
    my ($small, $hidden_by, @masks) = @_;
    my $bytes = '';
    for my $m (@masks) {
        my @kept = map { $_ != $m } @$hidden_by;
        my $seen = sub { my $c = $_; [map { $kept[$_] ? $small->[3 * $_ + $c] : undef } 0 .. $#kept] };
        my @rgb  = map { filled($seen->(), sqrt @kept) } 0 .. 2;
        $bytes .= pack 'c*', map { my $i = $_; (map { $_->[$i] - 128 } @rgb), $kept[$i] ? 127 : -128 } 0 .. $#kept;
    }
    return crc32($bytes);
}

# Takes each pixel from the output of the mask that hides it; the outputs are side by side, as q + 128.
sub assembled {
    my ($micro, $hidden_by, $s, $count) = @_;
    my @starts = map { 3 * ((int($_ / $s) * $count + $hidden_by->[$_]) * $s + $_ % $s) } 0 .. $#$hidden_by;
    return [map { @$micro[$_ .. $_ + 2] } @starts];
}

# The graph's uint8 output: q + 128, each pixel repeated up to S x S.
sub shown {
    my ($values, $s, $size) = @_;
    my @from = map { int($_ * $s / $size) } 0 .. $size - 1;
    my @starts = map { my $y = $_; map { 3 * ($y * $s + $_) } @from } @from;
    return [map { @$values[$_ .. $_ + 2] } @starts];
}

# --- Steps 7 to 10: SSIM, gate, p-values, verdict --------------------------------------------------------------------

sub ssim {
    my ($small, $values, $s, $measure) = @_;
    my ($window, $sigma, $c1, $c2) = @$measure{qw(window sigma c1 c2)};
    my @bell  = map { exp(-(($_ - ($window - 1) / 2)**2) / (2 * $sigma**2)) } 0 .. $window - 1;
    my $total = sum0(@bell);
    my @taps  = map { [$_, map { $_ / $total } @bell] } 0 .. $s - $window;
    my @x     = map { $_ / 255 } @$small;
    my @y     = map { $_ / 255 } @$values;
    my ($mx, $my, $mxx, $myy, $mxy) = map { window_sums($_, $s, \@taps) }
        \@x, \@y, [map { $_ * $_ } @x], [map { $_ * $_ } @y], [map { $x[$_] * $y[$_] } 0 .. $#x];
    my $sum = 0;
    for my $i (0 .. $#$mx) {
        my ($p, $q) = ($mx->[$i], $my->[$i]);
        my ($vx, $vy, $cov) = ($mxx->[$i] - $p * $p, $myy->[$i] - $q * $q, $mxy->[$i] - $p * $q);
        $sum += (2 * $p * $q + $c1) * (2 * $cov + $c2) / (($p * $p + $q * $q + $c1) * ($vx + $vy + $c2));
    }
    return $sum / @$mx;
}

# Step 7a: the share of each position in the error, weighted statistics of each channel, and the head's distances.
sub error_weights {
    my ($small, $values, $s) = @_;
    my @weights = (0) x ($s / 8)**2;
    for my $i (0 .. $#$small) {
        my ($row, $column) = (int($i / (3 * $s)), int($i / 3) % $s);
        $weights[int($row / 8) * $s / 8 + int($column / 8)] += abs($small->[$i] - $values->[$i]) / 255 / 192;
    }
    $_ += 0.01 for @weights;
    my $sum = sum0(@weights);
    return [map { $_ / $sum } @weights];
}

sub statistics {
    my ($features, $weights, $channels) = @_;
    my (@means, @deviations);
    for my $c (0 .. $channels - 1) {
        my @values = map { $features->[$_ * $channels + $c] } 0 .. $#$weights;
        push @means, my $mean = sum0(map { $weights->[$_] * $values[$_] } 0 .. $#values);
        push @deviations, sqrt sum0(map { $weights->[$_] * ($values[$_] - $mean)**2 } 0 .. $#values);
    }
    return [@means, @deviations];
}

sub distance {
    my ($z, $matrix, $offset, $scale) = @_;
    my $sum = 0;
    for my $row (0 .. $#$offset) {
        my $product = $offset->[$row];
        $product += $matrix->[$row * @$z + $_] * $z->[$_] for 0 .. $#$z;
        $sum += $product**2;
    }
    return (sqrt($sum) - $scale->[0]) / $scale->[1];
}

# Similarity and novelty.
sub deep {
    my ($manifest, $folder, $packed, $weights) = @_;
    my $network = $manifest->{measure}{network};
    my ($d, $k) = @$network{qw(statistics components)};
    my $output   = $manifest->{models}{'mim_features.tflite'}{signatures}{features}{outputs}{features};
    my @features = map { $output->{scale}[0] * ($_ - $output->{zero_point}[0]) } unpack 'c*', $packed;
    my $z        = statistics(\@features, $weights, $d / 2);
    my @head     = unpack 'f<*', read_bytes("$folder/head.f32");
    my ($linear_weights, $linear_bias, @parts) = map { [splice @head, 0, $_] } $d, 1, $k * $d, $k, 2, $d * $d, $d, 2;
    my ($class_distance, $novelty) = (distance($z, @parts[0 .. 2]), distance($z, @parts[3 .. 5]));
    my $excess = min(max($novelty - $network->{novelty_start}, 0), $network->{novelty_range});
    my $linear = $linear_bias->[0] + sum0(map { $linear_weights->[$_] * $z->[$_] } 0 .. $#$z);
    return ($linear - $network->{distance_weight} * $class_distance - $network->{novelty_weight} * $excess, $novelty);
}

# Standard deviation of the luma, and half the sum of the two mean differences.
sub contrast_and_detail {
    my ($pixels, $size) = @_;
    my $luma = sub { (0.299 * $_[0] + 0.587 * $_[1] + 0.114 * $_[2]) / 255 };
    my @luma = map { $luma->(@$pixels[3 * $_ .. 3 * $_ + 2]) } 0 .. $size * $size - 1;
    my $mean = sum0(@luma) / @luma;
    my $down = sum0(map { abs $luma[$_ + $size] - $luma[$_] } 0 .. $#luma - $size);
    my $side = sum0(map { abs $luma[$_ + 1] - $luma[$_] } grep { ($_ + 1) % $size } 0 .. $#luma);
    return (sqrt(sum0(map { ($_ - $mean)**2 } @luma) / @luma), ($down + $side) / (2 * $size * ($size - 1)));
}

sub gate_reason {
    my ($gate, $side, $contrast, $detail, $novelty) = @_;
    return 'too small' if $side < $gate->{min_side};
    return 'blank'     if $contrast < $gate->{min_contrast};
    return 'blurred'   if $detail < $gate->{min_detail};
    return 'not skin'  if defined $gate->{max_novelty} && $novelty > $gate->{max_novelty};
    return undef;
}

# (1 + the weights of the counted images) / (groups + 1), where `counts` says which similarities count.
sub p_value {
    my ($table, $counts) = @_;
    my ($known, $weights, $groups) = @$table{qw(similarities weights groups)};
    return (1 + sum0(map { $weights->[$_] } grep { $counts->($known->[$_]) } 0 .. $#$known)) / ($groups + 1);
}

# The p-values of the class and of other skin, and the verdict of an image that can be judged.
sub decide {
    my ($manifest, $similarity) = @_;
    my ($class, $other) = @$manifest{qw(calibration reference)};
    my @p = (p_value($class, sub { $_[0] <= $similarity }), p_value($other, sub { $_[0] >= $similarity }));
    my ($no_class, $no_other) = ($p[0] <= $class->{alpha} + 0.00001, $p[1] <= $other->{beta} + 0.00001);
    die "threshold of the class\n" if $no_class != ($similarity < $class->{threshold});
    die "threshold of other skin\n" if $no_other != (defined $other->{threshold} && $similarity > $other->{threshold});
    return (@p, $no_class == $no_other ? 'undecided' : $no_class ? 'not-mpox-like' : 'mpox-like');
}

# --- The checks -------------------------------------------------------------------------------------------------------
sub same { my ($one, $other) = @_; return "@$one" eq "@$other" }

# Returns the differences for the image whose golden files begin with `stem` ('' if there are none), and the verdict.
sub check_image {
    my ($manifest, $golden, $folder, $number) = @_;
    my $stem = "$folder/golden/$number";
    my ($size, $set, $s, $count) = (@$manifest{qw(size mask_set)}, @{$manifest->{mask_set}}{qw(size count)});
    my ($width, $height, $photograph) = read_png("${stem}_input.png");
    my $resampled = area_average(centre_square($width, $height, $photograph), $size);
    my $small     = $s == $size ? $resampled : area_average($size, $resampled, $s);
    my $hidden_by = hiding_masks($set);
    my $values    = assembled((read_png("${stem}_micro.png"))[2], $hidden_by, $s, $count);
    my %pixels    = (resampled => $resampled, small => $small, inpainted => shown($values, $s, $size));

    my ($contrast, $detail) = contrast_and_detail($resampled, $size);
    my ($similarity, $novelty) = @$golden{qw(similarity novelty)};
    ($similarity, $novelty)
        = deep($manifest, $folder, read_bytes("${stem}_features.i8"), error_weights($small, $values, $s))
        if $manifest->{models}{'mim_features.tflite'};
    my $reason  = gate_reason($manifest->{gate}, min($width, $height), $contrast, $detail, $novelty);
    my ($p_class, $p_other, $verdict) = decide($manifest, $similarity);
    $verdict = 'cannot-judge' if defined $reason;
    my %number  = (ssim => ssim($small, $values, $s, $manifest->{measure}), contrast => $contrast, detail => $detail,
        similarity => $similarity, novelty => $novelty, p_class => $p_class, p_other => $p_other);
    my %exact   = (filled_crc32 => filled_crc32($small, $hidden_by, 0 .. $count - 1), verdict => $verdict, reason => $reason);

    my @wrong = grep { !same($pixels{$_}, (read_png("${stem}_$_.png"))[2]) } sort keys %pixels;
    push @wrong, grep { !(abs($number{$_} - $golden->{$_}) <= $TOLERANCE{$_}) } sort keys %number;
    push @wrong, grep { ($exact{$_} // '') ne ($golden->{$_} // '') } sort keys %exact;
    return (@wrong ? 'differs: ' . join(', ', @wrong) : '', $verdict . (defined $reason ? ", $reason" : ''));
}

die "usage: perl contract.pl BUNDLE_FOLDER ...\n" if !@ARGV;
my ($test, $failed) = (0, 0);

sub report {
    my ($name, $wrong, $result) = @_;
    $failed++ if $wrong;
    printf "%s %d - %s: %s\n", $wrong ? 'not ok' : 'ok', ++$test, $name, $wrong || $result;
}

for my $folder (@ARGV) {
    my $manifest = decode_json(read_bytes("$folder/manifest.json"));
    my $golden   = decode_json(read_bytes("$folder/golden/golden.json"));
    die "bundle format $manifest->{format}, this program reads 4\n" if $manifest->{format} != 4;
    die "only bundles of the method mim are checked here\n" if $manifest->{method} ne 'mim';
    for my $i (0 .. $#{$golden->{images}}) {
        my ($image, $number) = ($golden->{images}[$i], sprintf '%02d', $i);
        my ($wrong, $result) = eval { check_image($manifest, $image, $folder, $number) };
        report("$number $image->{name}", $@ =~ s/\s+/ /gr || $wrong, $result);
    }
    for my $case (@{$golden->{decisions}}) {
        my ($p_class, $p_other, $verdict) = eval { decide($manifest, $case->{similarity}) };
        my $equal = $verdict && $verdict eq $case->{verdict} && abs($p_class - $case->{p_class}) <= $TOLERANCE{p_class}
            && abs($p_other - $case->{p_other}) <= $TOLERANCE{p_other};
        my $wrong = $equal ? '' : $@ =~ s/\s+/ /gr || "differs: $p_class, $p_other, $verdict";
        report("decision $case->{similarity}", $wrong, $verdict);
    }
    my (undef, undef, $square) = read_png("$folder/golden/00_resampled.png");
    for my $case (@{$golden->{fills}}) {
        my $crc = filled_crc32(area_average($manifest->{size}, $square, $case->{size}), hiding_masks($case), $case->{mask});
        report("fill @$case{qw(size cell count mask)}", $crc == $case->{filled_crc32} ? '' : "differs: $crc", 'equal');
    }
    for my $case (grep { $_->{file} =~ /\.png$/ } @{$golden->{decoded}}) {
        my ($decoded, $expected) = eval { map { [read_png("$folder/golden/$_")] } @$case{qw(file expected)} };
        my $equal = $decoded && "@$decoded[0, 1]" eq "@$expected[0, 1]" && same($decoded->[2], $expected->[2]);
        report("decoded $case->{file}", $equal ? '' : $@ =~ s/\s+/ /gr || 'differs: RGB', 'equal');
    }
}
print "1..$test\n";
exit($failed ? 1 : 0);
